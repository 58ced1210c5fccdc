"""What Theano is made to do: its settings, its device, how it compiles."""
