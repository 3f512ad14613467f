"""The properties that every generated model must have, one row each.

Which of them a model must have is read off its declarations (its row programs, whether log_prob is exact, the size of
its space), never off the name of a spec.  In a test:

    @pytest.mark.parametrize("prop", applicable(NADE()), ids=str)
    def test_property(prop):
        prop.check(NADE)

To add a property, write its `check_…` in a module beside this one and a row in `catalogue.py`.
"""

from gencompiler.testing.properties.catalogue import PROPERTIES, Property, applicable
from gencompiler.testing.properties.looking import Effort

__all__ = ["PROPERTIES", "Effort", "Property", "applicable"]
