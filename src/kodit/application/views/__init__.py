"""What every face answers with: the one owner of the JSON.

Each class is an object of the JSON, its fields are the names in it, and `to_json` of
`serialization` gives the plain values. Moments are ISO 8601 in UTC with a `Z`. A field that is
declared with `ONLY_WHEN_SET` is left out where it is None; all others are always there.

The command line also makes views from the JSON of a server, and loads little else then: what they
are made from is imported for its types only.
"""
