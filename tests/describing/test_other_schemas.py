"""Tables of SQLAlchemy, Alembic, SQL, Prisma and Rails."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import tables

ALCHEMY = """\
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Stamped:
    created: Mapped[datetime] = mapped_column(sa.DateTime, server_default=sa.text("now()"))


class User(Stamped, Base):
    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("mail", "org_id", name="pair"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    email = sa.Column("mail", sa.String(30), unique=True, nullable=False)
    org: Mapped["Org"] = relationship()
    org_id: Mapped[int] = mapped_column(sa.ForeignKey("orgs.id"))


class Admin(User):
    level = sa.Column(sa.Integer)


class Named(Base):
    @declared_attr
    def __tablename__(cls):
        return cls.__name__.lower()


class Thing(Named):
    id = sa.Column(sa.Integer, primary_key=True)


class Hero(SQLModel, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    age: int | None = None
    team: Team = Relationship()
    team_id: int | None = Field(default=None, foreign_key="team.id")


links = sa.Table("links", metadata, sa.Column("a", sa.Integer, sa.ForeignKey("users.id")))
"""


def test_models_of_sqlalchemy() -> None:
    assert tables({"app/db.py": ALCHEMY}) == {
        "hero": [
            "id int primary key",
            "name str not null",
            "age int",
            "team_id int → team.id",
        ],
        "links": ["a Integer → users.id"],
        "thing": ["id Integer primary key"],
        "users": [
            "created DateTime not null default now()",
            "id int primary key",
            "name str",
            "mail String(30) not null unique",
            "org_id int not null → orgs.id",
            "level Integer",
            "unique (mail, org_id) pair",
        ],
    }


def test_flask_sqlalchemy_needs_no_import_of_sqlalchemy() -> None:
    text = (
        "from app import db\n\n\nclass BlogPost(db.Model):\n"
        "    id = db.Column(db.Integer, primary_key=True)\n"
    )
    assert tables({"app/post.py": text}) == {"blog_post": ["id Integer primary key"]}


ALEMBIC = {
    "alembic/versions/aa_two.py": """\
from alembic import op
import sqlalchemy as sa

revision = "aa"
down_revision = "zz"


def upgrade():
    op.add_column("jobs", sa.Column("state", sa.String(10), server_default="new"))
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.alter_column("a", new_column_name="z", nullable=False)
        batch_op.drop_column("y")
    op.create_index("by_z", "jobs", ["z"], unique=True)
    op.execute("ALTER TABLE jobs ADD COLUMN raw text")


def downgrade():
    op.drop_table("jobs")
""",
    "alembic/versions/zz_one.py": """\
from alembic import op
import sqlalchemy as sa

revision = "zz"
down_revision = None


def upgrade():
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("a", sa.Text()),
        sa.Column("y", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["a"], ["users.id"]),
    )
""",
}


def test_migrations_of_alembic_follow_their_revisions() -> None:
    assert tables(ALEMBIC) == {
        "jobs": [
            "id Integer() primary key",
            "z Text() not null → users.id",
            "state String(10) default new",
            "raw text",
            "unique (z) by_z",
        ]
    }


SQL = """\
-- comment; here
CREATE TABLE IF NOT EXISTS public."Users" (
  id BIGSERIAL PRIMARY KEY,
  email varchar(255) NOT NULL UNIQUE DEFAULT 'a;b',
  price numeric(10, 2) default 0.0 not null,
  key text, org_id int references orgs(id) on delete cascade,
  created timestamp with time zone DEFAULT now(),
  tags text[],
  CONSTRAINT pair UNIQUE (email, org_id),
  FOREIGN KEY (org_id) REFERENCES organisations (id)
);
ALTER TABLE users ADD COLUMN age int, DROP COLUMN IF EXISTS price;
ALTER TABLE users ALTER COLUMN age TYPE bigint USING age::bigint, alter age set not null;
create unique index concurrently if not exists by_email on users using btree (lower(email), age);
create index gone on users (age);
drop index gone;
create function f() returns void as $$ begin create table x(a int); end; $$ language plpgsql;
ALTER TABLE `users` CHANGE `age` `years` INT(11) NOT NULL AFTER `id`;
CREATE TABLE orders (id int, user_id int, PRIMARY KEY (id));
ALTER TABLE orders ADD CONSTRAINT owner FOREIGN KEY (user_id) REFERENCES users (id);
ALTER TABLE users RENAME TO people;
CREATE TABLE a (b int); DROP TABLE IF EXISTS a, nothing;
CREATE TEMP TABLE t (a int);
insert into t values (1, ');');
create view seen as select 1;
-- +goose Down
drop table orders;
"""


def test_statements_of_sql() -> None:
    assert tables({"db/V1__init.sql": SQL}) == {
        "orders": ["id int primary key", "user_id int → people.id"],
        "people": [
            "id BIGSERIAL primary key",
            "email varchar(255) not null unique default 'a;b'",
            "key text",
            "org_id int → organisations.id",
            "created timestamp with time zone default now()",
            "tags text[]",
            "years INT(11) not null",
            "unique (email, org_id) pair",
            "unique (lower(email), years) by_email",
        ],
        "seen": [],
    }


def test_migrations_of_sql_apply_by_their_numbers() -> None:
    texts = {
        "db/migrate/V10__more.sql": "ALTER TABLE a RENAME COLUMN c TO d;\n",
        "db/migrate/V2__first.sql": "CREATE TABLE a (b int);\nALTER TABLE a ADD c text;\n",
        "db/migrate/V11__back.down.sql": "DROP TABLE a;\n",
        "tests/fixtures/x.sql": "CREATE TABLE nothing (b int);\n",
    }
    assert tables(texts) == {"a": ["b int", "d text"]}


@pytest.mark.parametrize(
    "text", ["'" * 9_001, "/*" * 5_000, "$a$" * 3_001, '"' * 9_001, "create table (" * 2_000]
)
def test_broken_sql_says_nothing_in_linear_time(text: str) -> None:
    assert tables({"a.sql": text}) == {}


PRISMA = """\
model Post {
  id       Int     @id @default(autoincrement())
  title    String  // a comment
  author   User?   @relation(fields: [authorId], references: [id])
  authorId Int?    @map("author_id")
  tags     String[]
  @@unique([title, authorId])
  @@map("posts")
}

model User {
  id    Int @id
  posts Post[]
}
"""
RAILS = """\
ActiveRecord::Schema.define do
  create_table "carts", force: :cascade do |t|
    t.string "name", limit: 40, null: false, default: "x"
    t.bigint "user_id"
    t.timestamps
    t.index ["name"], name: "by_name", unique: true
  end

  add_foreign_key "carts", "users"
end
"""


def test_other_frameworks() -> None:
    assert tables({"prisma/schema.prisma": PRISMA, "db/schema.rb": RAILS}) == {
        "User": ["id Int primary key"],
        "carts": [
            "id bigint primary key",
            "name string(40) not null default x",
            "user_id bigint → users.id",
            "created_at datetime not null",
            "updated_at datetime not null",
            "unique (name) by_name",
        ],
        "posts": [
            "id Int primary key default autoincrement()",
            "title String not null",
            "author_id Int → User.id",
            "tags String[] not null",
            "unique (title, author_id)",
        ],
    }
