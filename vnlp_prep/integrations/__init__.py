"""vnlp_prep in the tools that people already use: one module for each library, imported by those who have that library."""
