"""How fast the archive is: ``./reproduce benchmark``.

Every model runs in a process of its own. All processes of a comparison are started
first and then take turns, so that whatever else the machine does hits all alike.
"""
