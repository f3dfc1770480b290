"""The screen in a browser: one viewer process a tab, behind one small HTTP server."""
