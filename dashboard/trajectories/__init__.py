"""The Trajectories page: ranking, search, effect of the windows."""
