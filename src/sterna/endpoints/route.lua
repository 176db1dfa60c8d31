-- Decides for every new connection: may it come in, wait while its endpoint is held, then which
-- servers answer.
-- held map: endpoint -> 1.  routes map: endpoint -> set@address#port,address#port,...
-- allowed map: endpoint -> network,network,...  avoided map: address:port -> 1, told to HAProxy's
-- own balancing as well; here it is looked at where an address is chosen without that.
-- The maps are changed at run time in every worker, the ones left over from a reload included;
-- those may not know the new set, so they go straight to one of its addresses.
--
-- A connection does not sleep by itself: HAProxy 2.6 drops the alarm of a sleeping action when
-- the process was not scheduled for as long as it wanted to sleep. It listens to the gate, a
-- service of the same HAProxy, whose alarms are kept and which says every now and then "wait"
-- and at last "go".

local held = Map.new(os.getenv("STERNA_HELD_MAP"), Map._str)
local routes = Map.new(os.getenv("STERNA_ROUTES_MAP"), Map._str)
local allowed = Map.new(os.getenv("STERNA_ALLOWED_MAP"), Map._str)
local avoided = Map.new(os.getenv("STERNA_AVOIDED_MAP"), Map._str)
local parsed = {}
local GATE = os.getenv("STERNA_GATE")
local WAIT_SECONDS_MAX = tonumber(os.getenv("STERNA_WAIT_SECONDS_MAX"))
local POLL_MS = 4
local POLLS_PER_WORD = 50

local function gate(applet)
    local endpoint = applet:getline():match("^(%S+)")
    local polls = 0
    while endpoint and held:lookup(endpoint) do
        core.msleep(POLL_MS)
        polls = polls + 1
        if polls % POLLS_PER_WORD == 0 then
            applet:send("wait\n")
        end
    end
    applet:send("go\n")
end

local function wait_until_released(txn, endpoint)
    local deadline = core.now().sec + WAIT_SECONDS_MAX
    while held:lookup(endpoint) do
        local socket = core.tcp()
        socket:settimeout(WAIT_SECONDS_MAX)
        local word = socket:connect(GATE) and socket:send(endpoint .. "\n") and "wait"
        while word == "wait" do
            if core.now().sec >= deadline or not txn.req:may_recv() then
                socket:close()
                return false
            end
            word = socket:receive("*l")
        end
        socket:close()
        if word ~= "go" then
            return false
        end
    end
    return true
end

local function networks_of(endpoint)
    local text = allowed:lookup(endpoint) or ""
    local known = parsed[endpoint]
    if not known or known.text ~= text then
        known = { text = text }
        for network in text:gmatch("[^,]+") do
            known[#known + 1] = core.parse_addr(network)
        end
        parsed[endpoint] = known
    end
    return known
end

local function may_come_in(txn, endpoint)
    -- Who comes by IPv4 to an address of both families is known by his IPv4 address.
    local client = core.parse_addr((txn.f:src():gsub("^::ffff:(%d+%.%d+%.%d+%.%d+)$", "%1")))
    for _, network in ipairs(networks_of(endpoint)) do
        if core.match_addr(client, network) then
            return true
        end
    end
    return false
end

local function choose_address(txn, addresses)
    local all = {}
    for address in addresses:gmatch("[^,]+") do
        if not avoided:lookup((address:gsub("#", ":"))) then
            all[#all + 1] = address
        end
    end
    if #all == 0 then
        return txn:done()
    end
    local ip, port = all[math.random(#all)]:match("^(.+)#(%d+)$")
    txn:set_var("txn.set", "direct")
    txn:set_var("txn.address", ip)
    txn:set_var("txn.port", tonumber(port))
end

local function route(txn, endpoint)
    -- Looked at again after the wait: meanwhile the whitelist may have become another.
    if not may_come_in(txn, endpoint)
        or not wait_until_released(txn, endpoint)
        or not may_come_in(txn, endpoint) then
        return txn:done()
    end
    local set, addresses = (routes:lookup(endpoint) or ""):match("^([^@]+)@(.+)$")
    if not set then
        return txn:done()
    end
    if core.backends[set] then
        txn:set_var("txn.set", set)
    else
        choose_address(txn, addresses)
    end
end

core.register_service("sterna_gate", "tcp", gate)
core.register_action("sterna_route", { "tcp-req" }, route, 1)
