"""The production warehouse: Amazon Redshift, provisioned or Serverless, fed from S3 through `redshift-connector`."""
