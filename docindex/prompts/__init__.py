"""What the language model is asked with: files, and what makes messages of them."""
