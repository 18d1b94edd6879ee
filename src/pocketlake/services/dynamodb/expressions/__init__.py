"""DynamoDB's expression languages: tokens, grammar, what names and values stand for, and what comes of them."""
