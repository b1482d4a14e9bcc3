"""Training: what all models share, and fine-tuning of image-to-video models.

`loop`, `flow`, `checkpoint`, `average`, `buckets` and `record` know nothing of diffusers pipelines: a model
is trained by giving `loop.fit` a `loop.Trainable`.
"""
