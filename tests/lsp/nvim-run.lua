-- Runs a mission from its lens, as a user of Neovim would, and prints what is seen as JSON:
-- diagnostics before, the lens titles before, what was told, and the lens titles afterwards.
-- The client is started by the user's own configuration, INIT.
--
--   SESSION_OUT=seen.json nvim --headless --clean -n -u INIT -S nvim-run.lua FILE

local function session()
  local seen = { told = {}, errors = {} }
  local buffer = vim.api.nvim_get_current_buf()
  vim.lsp.handlers['window/showMessage'] = function(_, params)
    table.insert(seen.told, params.message)
  end
  vim.wait(20000, function() return vim.lsp.buf_get_clients(buffer)[1] ~= nil end, 10)
  local function titles()
    vim.lsp.codelens.refresh()
    local found = {}
    vim.wait(300, function() return false end, 50)
    for _, lens in ipairs(vim.lsp.codelens.get(buffer)) do
      table.insert(found, lens.command.title)
    end
    return found
  end
  local function first_starts_with(mark)
    for _, title in ipairs(titles()) do
      if vim.startswith(title, mark) then return true end
    end
    return false
  end

  vim.wait(20000, function() return #titles() > 0 end, 50)
  seen.before = titles()
  seen.diagnostics = vim.tbl_map(function(d) return d.code end, vim.diagnostic.get(buffer))

  vim.fn.cursor(1, 1)
  vim.ui.select = function(items, _, choose)
    for number, item in ipairs(items) do
      if item.lens.command.title == 'Run' then return choose(item, number) end
    end
    choose(nil, nil)
  end
  vim.lsp.codelens.run()
  vim.wait(30000, function() return first_starts_with('✓') end, 100)
  seen.after = titles()
  return seen
end

local function main()
  local ok, seen = xpcall(session, debug.traceback)
  local file = assert(io.open(vim.env.SESSION_OUT, 'w'))
  file:write(vim.json.encode(ok and seen or { crashed = seen }))
  file:close()
  vim.cmd('qall!')
end

vim.api.nvim_create_autocmd('VimEnter', { once = true, callback = main })
