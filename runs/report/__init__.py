"""What a run did and costs, for people and programs."""
