"""The configuration: its shape (`schema`), reading it (`load`), where it lives (`locate`)."""
