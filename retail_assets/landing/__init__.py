"""Landing: files into the raw store byte for byte, one folder per landing day; inspected, registered, compared.

Landed files never change. What arrived is registered in a manifest, and schema drift is reported against the landing
before.
"""
