"""Amazon Bedrock's batch inference, as the server speaks it, with files on S3."""
