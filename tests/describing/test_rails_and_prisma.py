"""Schemas and migrations of Rails, and schemas of Prisma, statement by statement."""

from __future__ import annotations

import pytest
from tests.describing.test_schemas import tables

CREATED = """\
class CreateThem < ActiveRecord::Migration[7.0]
  def up
    create_table :carts do |t|
      t.string :name
      t.integer :count, null: false
      t.references :user
    end
    create_table "items" do |t|
      t.decimal "price", precision: 8, scale: 2
    end
  end

  def down
    drop_table :carts
  end
end
"""
ID, NAME = "id bigint primary key", "name string"
COUNT, USER = "count integer not null", "user_id bigint"
CARTS = [ID, NAME, COUNT, USER]
ITEMS = [ID, "price decimal(8, 2)"]


def after(step: str) -> dict[str, list[str]]:
    migration = (
        f"class Change < ActiveRecord::Migration[7.0]\n  def change\n    {step}\n  end\nend\n"
    )
    return tables({"db/migrate/1_create.rb": CREATED, "db/migrate/2_change.rb": migration})


@pytest.mark.parametrize(
    ("step", "carts"),
    [
        ("puts 1", CARTS),
        (
            "add_column :carts, :state, :string, limit: 9, default: 'x'",
            [*CARTS, "state string(9) default x"],
        ),
        ("add_column(:carts, :state, :string, default: nil)", [*CARTS, "state string"]),
        ("add_column :carts", CARTS),
        ("add_column :carts, :state", CARTS),
        (
            "change_column :carts, :name, :text, null: false",
            [ID, "name text not null", COUNT, USER],
        ),
        ("change_column :carts, :name", CARTS),
        ("change_column_null :carts, :count, true", [ID, NAME, "count integer", USER]),
        ("change_column_null :carts, :name, false", [ID, "name string not null", COUNT, USER]),
        ("change_column_null :carts, :name", CARTS),
        ("remove_column :carts, :name", [ID, COUNT, USER]),
        ("remove_column :carts", CARTS),
        ("remove_reference :carts, :user", [ID, NAME, COUNT]),
        ("remove_reference :carts", CARTS),
        ("rename_column :carts, :name, :title", [ID, "title string", COUNT, USER]),
        ("rename_column :carts, :name", CARTS),
        ("add_reference :carts, :owner, null: false", [*CARTS, "owner_id bigint not null"]),
        (
            "add_reference :carts, :owner, type: :uuid, foreign_key: { to_table: :people }",
            [*CARTS, "owner_id uuid → people.id"],
        ),
        ("add_reference :carts, :owner, foreign_key: true", [*CARTS, "owner_id bigint"]),
        ("add_reference :carts", CARTS),
        ("add_foreign_key :carts, :users", [ID, NAME, COUNT, "user_id bigint → users.id"]),
        (
            "add_foreign_key :carts, :people, column: :user_id",
            [ID, NAME, COUNT, "user_id bigint → people.id"],
        ),
        ("add_foreign_key :carts", CARTS),
        ("add_index :carts, [:name, :count], unique: true", [*CARTS, "unique (name, count)"]),
        ("add_index :carts, :name, name: 'by_name'", [*CARTS, "index (name) by_name"]),
        ("add_index :carts", CARTS),
    ],
)
def test_a_step_of_rails(step: str, carts: list[str]) -> None:
    """One without the arguments that it needs changes nothing."""
    assert after(step) == {"carts": carts, "items": ITEMS}


def test_whole_tables_of_rails() -> None:
    assert after("drop_table :carts") == {"items": ITEMS}
    assert after("rename_table :carts, :baskets") == {"baskets": CARTS, "items": ITEMS}
    assert after("rename_table :carts") == {"carts": CARTS, "items": ITEMS}
    assert after("drop_table") == {"carts": CARTS, "items": ITEMS}


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("t.string :a, :b", ["a string", "b string"]),
        ("t.column :a, :text, limit: 4", ["a text(4)"]),
        ("t.belongs_to :user, null: false", ["user_id bigint not null"]),
        ("t.references :a, :b", ["a_id bigint", "b_id bigint"]),
        ("t.references :user, foreign_key: false", ["user_id bigint"]),
        ("t.datetime(:at, precision: 6)", ["at datetime(6)"]),
        ("t.integer :a, :limit => 8, :null => false", ["a integer(8) not null"]),
        ("t.index :a", ["index (a)"]),
        ("t.index [:a, :b], unique: true", ["unique (a, b)"]),
        ("t.timestamps", ["created_at datetime not null", "updated_at datetime not null"]),
        ("t.check_constraint 'a > 1'", []),
        ("t.foreign_key :users", []),
        ("t.primary_key :a", []),
        ("other.string :a", []),
    ],
)
def test_a_line_of_a_table_of_rails(line: str, columns: list[str]) -> None:
    schema = f"create_table :a, id: false do |t|\n  {line}\nend\n"
    assert tables({"db/schema.rb": schema}) == {"a": columns}


@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("code String @unique", ["code String not null unique"]),
        ("code String? @db.VarChar(9)", ["code String"]),
        (
            'at DateTime @default(now()) @map("made_at")',
            ["made_at DateTime not null default now()"],
        ),
        ("id Int @id", ["id Int primary key"]),
        ('kind Unsupported("point")?', ['kind Unsupported("point")']),
        ("// id Int @id", []),
        ("others Other[]", []),
        ("a Int\n  b Int\n  @@id([a, b])", ["a Int primary key", "b Int primary key"]),
        ('a Int @map(name: "z")\n  @@index([a(sort: Desc)])', ["z Int not null", "index (z)"]),
        ("a Int\n  @@unique([a])\n  @@ignore", ["a Int not null", "unique (a)"]),
        ("a Int\n  @@id([b])", ["a Int not null"]),
        (
            "a Int\n  b Int\n  o Other @relation(fields: [a, b], references: [x, y])",
            ["a Int not null → them.x", "b Int not null → them.y"],
        ),
    ],
)
def test_a_line_of_prisma(line: str, columns: list[str]) -> None:
    schema = (
        f'model One {{\n  {line}\n}}\n\nmodel Other {{\n  x Int\n  y Int\n  @@map("them")\n}}\n'
    )
    found = tables({"schema.prisma": schema})
    assert found == {"One": columns, "them": ["x Int not null", "y Int not null"]}
