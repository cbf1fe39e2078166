"""Active label refinement: judge labels by co-teaching, ask an expert, train on what is left."""
