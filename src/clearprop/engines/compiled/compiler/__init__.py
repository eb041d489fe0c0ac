"""The compiler of the kernel: from plain Python functions to machine code, by way of LLVM.

The kernel is written as plain Python functions of numbers, pointers and registers. `translator` reads their source (`source`)
and writes LLVM's instructions for it, function by function, each expanded into the place where it is called; `operations` are
Python's operators, `primitives` the functions that have an instruction instead of a source, `values` what they compute with;
`processor` says for which machine, optimises and emits. Nothing is traced or guessed: every construct that is not listed in
`translator` is refused, with its line.

It accepts a small part of Python: numbers, tuples, named tuples, `if`, `while`, `for ... in range`, calls, and the element-wise
functions of NumPy. Everything that is known beforehand (constants, the number of lanes, the kind of loss) is computed while
translating, and an `if` on it leaves one branch only.

A just-in-time compiler for all of Python would do as well, but types and optimises every function on its own; for this kernel,
whose functions are all expanded into each other, that took it a minute, and takes this one two seconds.
"""
