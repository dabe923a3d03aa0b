"""The command line: parse, call the core, render. Only this package prints and exits."""
