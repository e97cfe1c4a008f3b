"""Reads from the database, as the text of SQL statements.

Nothing here imports SQLAlchemy, whose import takes longer than most commands: they read through the
driver alone, and the repositories of `infrastructure/sqlalchemy` run the same texts.
"""
