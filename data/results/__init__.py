"""Result files: decoded, validated, and assigned to the rows they answer."""
