"""Tailing of JSON lines: nothing counted twice, nothing lost, newest first.

`source` is what the engine polls; `follow` knows which content is in which file; `reading` turns
bytes into lines; `decode` and `mapped` turn lines into records.
"""
