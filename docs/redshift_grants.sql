-- Least privilege for retail-assets on Amazon Redshift. Run it once, as a superuser, in the database of REDSHIFT_DATABASE.
-- Replace: complete_journey (the schema: the name of the contract, RETAIL_SOURCE), retail_loader, retail_reader, and
-- the role's ARN (REDSHIFT_IAM_ROLE). docs/redshift.md explains the rights.
-- With IAM on Serverless, or on a cluster without REDSHIFT_USER, Redshift names the user after the identity; for a role it
-- is "IAMR:<name of the role>", with the quotes. Replace retail_loader with that (docs/aws.md shows how).

-- The loader logs in with IAM and has no password. For a login by password or secret use PASSWORD 'sha256|…' instead.
CREATE USER retail_loader PASSWORD DISABLE;

-- It owns its schema and nothing else: it needs no right to create schemas, and sees no other tables.
CREATE SCHEMA complete_journey AUTHORIZATION retail_loader;

-- The role may be used for COPY and UNLOAD only.
GRANT ASSUMEROLE ON 'arn:aws:iam::123456789012:role/retail-redshift' TO retail_loader FOR COPY, UNLOAD;

-- For analysts and BI tools: read access, also to tables that are created later.
CREATE ROLE retail_reader;
GRANT USAGE ON SCHEMA complete_journey TO ROLE retail_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA complete_journey TO ROLE retail_reader;
ALTER DEFAULT PRIVILEGES FOR USER retail_loader IN SCHEMA complete_journey GRANT SELECT ON TABLES TO ROLE retail_reader;
