"""The live instrument: windows, ranking, card and coreset strip in one component."""
