"""Running states: what settled events come to, so that a read of usage touches only what is new."""
