"""The asset graph, one module a layer. Assets are thin: read, call the domain, write, attach metadata."""
