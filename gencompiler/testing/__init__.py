"""The last stage: an emitted model in, evidence about its floating-point code out.

Proofs speak of real arithmetic; what the emitted code does with floats is the business of tests.  `strategies` draws
rows, parameters, batch sizes and seeds; `properties` holds what must be true of every model that has the methods in
question; `statistics` holds the exact and bounded tests that the random ones rest on; `plugin` lets pytest collect
`.gen` files.

Nothing is imported here: the plugin is loaded in every pytest run of an environment, and must stay cheap.
"""
