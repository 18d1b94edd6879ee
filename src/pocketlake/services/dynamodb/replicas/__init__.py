"""Global tables: replicas of a table in other regions."""
