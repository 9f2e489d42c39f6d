"""A model folder for other programs: the encoder as ONNX, OpenVINO and Keras, checked, with a model card.

    standard.py      the encoder with the inputs that everybody expects, as a torch module
    sample.py        what a file is checked with: token ids of several lengths, and what BertModel makes of them
    checking.py      how near a file comes to that, and what is too far
    formats.py       the formats there are, and what each writes
    onnx_files.py, float16.py, openvino_files.py, keras_files.py    one format each
    keras_encoder.py the encoder in Keras, out of its own layers
    folder.py        the folder: everything of the source, put together beside its place, then moved there
    card.py, training.py, figures.py    README.md: how to use it, how it was trained, what it can do
    run.py           all of it, in order

Nothing here is imported before it is needed: each format's libraries are heavy.
"""
