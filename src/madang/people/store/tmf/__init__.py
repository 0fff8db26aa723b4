"""TM Forum open APIs, version 4, as a thin face over the store: TMF620, 622, 635, 637, 678."""
