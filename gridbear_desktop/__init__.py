"""The desktop shell: tray, window, launcher and command line. It knows the OS, never the data."""
