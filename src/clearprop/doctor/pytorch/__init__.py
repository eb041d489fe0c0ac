"""The doctor for PyTorch: what a module computes is recorded operation by operation, whatever it is written as.

`computation` records one forward pass and the loss; `loader_examples` reads what a loader gives; `torch_run` trains copies;
`torch_measures` and `module_rows` fill a chart with the rows that the rules read; `torch_changes` carries out remedies.
`diagnose_torch` is in `clearprop.doctor.torch_diagnosis`, which imports these files when it is called: all of them import
PyTorch.
"""
