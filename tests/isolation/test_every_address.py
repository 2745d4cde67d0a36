"""The tables and the product have the same addresses."""

from tests.isolation.addresses import product_addresses
from tests.isolation.table import API, PAGES, PERSONAL, PUBLIC, STREAMS


def test_every_address_stands_in_a_table_and_no_other() -> None:
    known = [*PAGES, *API, *PUBLIC, *PERSONAL, *STREAMS]
    assert len(known) == len(set(known))
    assert set(product_addresses()) - set(known) == set(), "in the product, not in the table"
    assert set(known) - set(product_addresses()) == set(), "in the table, not in the product"


def test_pages_of_a_workspace_are_in_the_pages_table_and_the_api_in_its_own() -> None:
    """Where an address lies decides its rules: nothing of a workspace may stand among the public pages."""
    for name, (route, _pattern) in product_addresses().items():
        assert (name in PAGES) == route.startswith("w/<slug:slug>/"), route
        if route.startswith("api/v1/") and name not in API:
            assert name in ("api_schema", "api/v1/"), route
