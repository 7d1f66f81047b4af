"""Inventories: the machines of a fleet, how each is reached, and which policy it is to have.

`inventory/NAME.py` has an `INVENTORY`: one format. What a file says and is not understood is an error, never left out.
"""

from firewright.readers.inventory._inventory import (
    HOST_LIMIT,
    INVENTORIES,
    Format,
    Inventory,
    InventoryHost,
    read_inventory,
)

__all__ = ["HOST_LIMIT", "INVENTORIES", "Format", "Inventory", "InventoryHost", "read_inventory"]
