"""Payment providers behind one port: who charges customers, gives money back, and tells of both."""
