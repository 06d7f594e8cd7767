"""What the command line declares, shows and says; it knows no provider and no run."""
