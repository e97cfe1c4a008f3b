--- Undo and redo for a text buffer.
local M = {}

local LIMIT = 200

M.defaults = {
  limit = LIMIT,
  join = true,
  on_change = nil,
}

local Buffer = {}
Buffer.__index = Buffer

--- Makes a buffer.
-- @param text string
function M.new(text)
  local self = setmetatable({}, Buffer)
  self.text = text or ""
  self.undone = {}
  self.done = {}
  return self
end

--[[
  Replaces all of the text.
  The old one can be had back.
]]
function Buffer:set(text)
  table.insert(self.done, self.text)
  if #self.done > LIMIT then
    table.remove(self.done, 1)
  end
  self.text = text
end

function Buffer:undo()
  local previous = table.remove(self.done)
  if previous == nil then
    return false
  end
  table.insert(self.undone, self.text)
  self.text = previous
  return true
end

local function trim(text)
  local result = text:gsub("^%s+", "")
  result = result:gsub("%s+$", "")
  return result
end

M.lines = function(buffer)
  local lines = {}
  for line in buffer.text:gmatch("[^\n]+") do
    lines[#lines + 1] = trim(line)
  end
  return lines
end

return M
