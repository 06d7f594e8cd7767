"""Amazon Bedrock's batch inference: jobs whose requests and results are on S3."""
