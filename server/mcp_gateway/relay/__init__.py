"""What is passed on beside tools: prompts, resources, completions, and what servers tell by themselves."""
