"""The words for a customer's gender in about thirty languages. CLDR, and so Babel, has none.

Letters that mean different things in different languages (`D`: divers, donna; `N`: nainen, none) are left out or keep
their first meaning; a contract's `genders` says what they mean in its files.
"""

from __future__ import annotations

#: Words in lower case by what they mean; None: the gender is not given.
WORDS: dict[str | None, tuple[str, ...]] = {
    "Female": (
        *("f", "female", "w", "woman", "women", "girl", "lady", "mrs", "ms", "miss", "weiblich", "frau", "mujer"),
        *("femenino", "femenina", "femme", "féminin", "feminin", "femminile", "femmina", "donna", "mulher"),
        *("feminino", "feminina", "vrouw", "vrouwelijk", "mevrouw", "v", "kvinna", "kvinnlig", "kvinde", "kvindelig"),
        *("kvinne", "kvinnelig", "k", "nainen", "kobieta", "żeńska", "żeński", "žena", "ženský", "ženska", "ženski"),
        *("ž", "kadın", "kadin", "dişi", "женский", "женщина", "жен", "жен.", "ж", "жіноча", "жінка", "жена", "жени"),
        *(
            "女性",
            "女",
            "女士",
            "女生",
            "여성",
            "여자",
            "여",
            "nő",
            "női",
            "femeie",
            "feminină",
            "γυναίκα",
            "θήλυ",
            "أنثى",
        ),
        *("امرأة", "נקבה", "אישה", "หญิง", "nữ", "perempuan", "wanita", "महिला", "स्त्री", "naine", "sieviete"),
        *("moteris", "kona", "dona"),
    ),
    "Male": (
        *("m", "male", "man", "men", "boy", "mr", "männlich", "mann", "herr", "hombre", "masculino", "masculina"),
        *("h", "homme", "masculin", "masculine", "maschile", "maschio", "uomo", "homem", "mannelijk", "heer"),
        *("manlig", "mand", "mandlig", "mannlig", "mies", "mężczyzna", "męska", "męski", "muž", "mužský", "muški"),
        *("muškarac", "erkek", "e", "bay", "мужской", "мужчина", "муж", "муж.", "м", "чоловіча", "чоловік", "мъж"),
        *(
            "男性",
            "男",
            "先生",
            "男生",
            "남성",
            "남자",
            "남",
            "férfi",
            "bărbat",
            "masculină",
            "άνδρας",
            "άντρας",
            "άρρεν",
            "ذكر",
        ),
        *("رجل", "זכר", "גבר", "ชาย", "nam", "laki-laki", "pria", "पुरुष", "mees", "vīrietis", "vyras", "karl"),
        *("home",),
    ),
    "Other": (
        *("o", "other", "x", "d", "diverse", "divers", "nb", "nonbinary", "non-binary", "non binary", "agender"),
        *("genderqueer", "otro", "otra", "autre", "altro", "outro", "anders", "annan", "andet", "annet", "muu", "inne"),
        *("jiné", "diğer", "その他", "其他", "기타", "другое", "другой", "nichtbinär", "no binario", "non binaire"),
    ),
    None: (
        *("u", "unknown", "n/a", "na", "none", "null", "not specified", "not given", "unspecified", "undisclosed"),
        *("prefer not to say", "prefer not to answer", "rather not say", "-", "?", "keine angabe", "k.a.", "unbekannt"),
        *("no especificado", "sin especificar", "desconocido", "prefiero no decirlo", "inconnu", "non précisé"),
        *("non renseigné", "non spécifié", "sconosciuto", "non specificato", "desconhecido", "não informado"),
        *("onbekend", "okänd", "uppgift saknas", "ukendt", "ukjent", "tuntematon", "nieznana", "brak danych"),
        *("neuvedeno", "neznámé", "bilinmiyor", "belirtilmemiş", "не указан", "не указано", "неизвестно"),
        *("不明", "未回答", "回答しない", "無回答", "未知", "保密", "모름", "선택 안 함"),
    ),
}
