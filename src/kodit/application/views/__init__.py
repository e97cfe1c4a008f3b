"""The answers of every face, and the only definition of their JSON.

Each class is a JSON object whose keys are its fields; `to_json` of `serialization` returns its
plain values. Times are ISO 8601 in UTC with a `Z`. A field declared with `ONLY_WHEN_SET` is left
out if it is None; all others are always present.

The command line also builds views from the JSON of a server, and loads little else then: the domain
types that views are made from are imported for type checking only.
"""
