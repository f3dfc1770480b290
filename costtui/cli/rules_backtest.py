import argparse
def add_arguments(parser): pass
def run(config, args, now): return 0
