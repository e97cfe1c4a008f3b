defmodule Example.Cache do
  @moduledoc """
  Keeps values for a time.
  """

  use GenServer
  alias Example.Clock

  @default_ttl 60_000
  @type key :: term()

  defstruct [:table, ttl: @default_ttl]

  @doc """
  Starts a cache.

  Options are those of `GenServer`.
  """
  @spec start_link(keyword()) :: GenServer.on_start()
  def start_link(options \\ []) do
    {ttl, rest} = Keyword.pop(options, :ttl, @default_ttl)
    GenServer.start_link(__MODULE__, ttl, rest)
  end

  @doc "Looks a key up."
  def fetch(cache, key) when is_pid(cache) do
    GenServer.call(cache, {:fetch, key})
  end

  @impl true
  def init(ttl) do
    table = :ets.new(__MODULE__, [:set, :protected])
    {:ok, %__MODULE__{table: table, ttl: ttl}}
  end

  @impl true
  def handle_call({:fetch, key}, _from, state) do
    {:reply, lookup(state, key), state}
  end

  def handle_call({:put, key, value}, _from, state) do
    expires = Clock.now() + state.ttl
    true = :ets.insert(state.table, {key, value, expires})
    {:reply, :ok, state}
  end

  # An entry that is too old counts as missing.
  defp lookup(%{table: table}, key) do
    now = Clock.now()

    case :ets.lookup(table, key) do
      [{^key, value, expires}] when expires > now -> {:ok, value}
      _ -> :error
    end
  end

  defmacro cached(key, do: block) do
    quote do
      case Example.Cache.fetch(unquote(key)) do
        {:ok, value} -> value
        :error -> unquote(block)
      end
    end
  end
end

defprotocol Example.Size do
  @doc "How many bytes a value takes."
  def bytes(value)
end

defimpl Example.Size, for: BitString do
  def bytes(value), do: byte_size(value)
end
