"""The words of costtui: plain values, standard library only, no I/O and no clock."""
