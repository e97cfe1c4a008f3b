"""What is read from the database, as the text of its statements.

Nothing here imports SQLAlchemy, whose import takes longer than most commands: they read by the
driver alone, and the repositories of `infrastructure/sqlalchemy` run the same texts.
"""
