"""The pages of the console, by what they are about. Every action is a form and works without script; GET changes nothing."""
