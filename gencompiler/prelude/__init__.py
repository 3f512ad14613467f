"""The prelude: bijections, densities and objectives written in the language, proven like a user's."""
