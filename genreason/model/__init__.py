"""TV2TV, an interleaved text-video model: layout, transformer, codecs, pipeline.

Nothing here imports the rest of genreason but `genreason.types`.
"""
