-- Eight tables of TPC-H's shape, made of hashes: the same in every run, and each of the 22 queries finds rows.
-- They are not dbgen's: names, prices and keys have its domains, not its values. Two engines are compared over the same
-- files, so that is enough. $parts, $suppliers, $customers and $orders are numbers of rows.
CREATE MACRO draw(seed, below) AS CAST(hash(seed) % below AS INTEGER);
CREATE MACRO pick(words, seed) AS string_split(words, ',')[1 + draw(seed, len(string_split(words, ',')))];
CREATE MACRO money(seed, low, high) AS CAST(low + draw(seed, (high - low) * 100) / 100.0 AS DECIMAL(15, 2));
CREATE MACRO remark(seed) AS pick('quickly,special,Customer,carefully', seed || 1) || ' packages '
    || pick('requests,Complaints,deposits', seed || 2);
CREATE MACRO phone(nation, i) AS CAST(10 + nation AS VARCHAR) || '-' || lpad(CAST(i % 1000 AS VARCHAR), 3, '0') || '-555';
CREATE MACRO a_type(i) AS pick('STANDARD,SMALL,MEDIUM,LARGE,ECONOMY,PROMO', i || 't') || ' '
    || pick('ANODIZED,BURNISHED,PLATED,POLISHED,BRUSHED', i || 'u') || ' '
    || pick('TIN,NICKEL,BRASS,STEEL,COPPER', i || 'v');

CREATE TABLE region AS SELECT CAST(k AS INTEGER) AS r_regionkey, n AS r_name, '' AS r_comment
FROM (VALUES (0, 'AFRICA'), (1, 'AMERICA'), (2, 'ASIA'), (3, 'EUROPE'), (4, 'MIDDLE EAST')) AS t(k, n);

CREATE TABLE nation AS SELECT CAST(k AS INTEGER) AS n_nationkey, n AS n_name, CAST(r AS INTEGER) AS n_regionkey,
    '' AS n_comment
FROM (VALUES (0, 'ALGERIA', 0), (1, 'ARGENTINA', 1), (2, 'BRAZIL', 1), (3, 'CANADA', 1), (4, 'EGYPT', 4),
    (5, 'ETHIOPIA', 0), (6, 'FRANCE', 3), (7, 'GERMANY', 3), (8, 'INDIA', 2), (9, 'INDONESIA', 2), (10, 'IRAN', 4),
    (11, 'IRAQ', 4), (12, 'JAPAN', 2), (13, 'JORDAN', 4), (14, 'KENYA', 0), (15, 'MOROCCO', 0), (16, 'MOZAMBIQUE', 0),
    (17, 'PERU', 1), (18, 'CHINA', 2), (19, 'ROMANIA', 3), (20, 'SAUDI ARABIA', 4), (21, 'VIETNAM', 2),
    (22, 'RUSSIA', 3), (23, 'UNITED KINGDOM', 3), (24, 'UNITED STATES', 1)) AS t(k, n, r);

CREATE TABLE supplier AS SELECT i AS s_suppkey, 'Supplier#' || i AS s_name, 'at ' || i AS s_address,
    draw(i || 'sn', 25) AS s_nationkey, phone(draw(i || 'sn', 25), i) AS s_phone, money(i || 'sa', -999, 9999) AS s_acctbal,
    remark(i || 'sc') AS s_comment
FROM range(1, $suppliers + 1) AS t(i);

CREATE TABLE part AS SELECT i AS p_partkey,
    pick('green,blue,forest,azure', i || 'n') || ' ' || pick('almond,green,ivory', i || 'o') AS p_name,
    'Manufacturer#' || (1 + draw(i || 'm', 5)) AS p_mfgr,
    'Brand#' || (1 + draw(i || 'm', 5)) || (1 + draw(i || 'b', 5)) AS p_brand, a_type(i) AS p_type,
    1 + draw(i || 'z', 50) AS p_size,
    pick('SM,LG,MED,JUMBO,WRAP', i || 'x') || ' ' || pick('CASE,BOX,BAG,PKG,PACK', i || 'y') AS p_container,
    money(i || 'p', 900, 2000) AS p_retailprice, '' AS p_comment
FROM range(1, $parts + 1) AS t(i);

CREATE TABLE partsupp AS SELECT i AS ps_partkey, 1 + (i + j * ($suppliers // 4)) % $suppliers AS ps_suppkey,
    CAST(1 + draw(i || 'q' || j, 9999) AS BIGINT) AS ps_availqty, money(i || 'u' || j, 1, 1000) AS ps_supplycost,
    '' AS ps_comment
FROM range(1, $parts + 1) AS t(i), range(4) AS u(j);

CREATE TABLE customer AS SELECT i AS c_custkey, 'Customer#' || i AS c_name, 'at ' || i AS c_address,
    draw(i || 'cn', 25) AS c_nationkey, phone(draw(i || 'cn', 25), i) AS c_phone, money(i || 'ca', -999, 9999) AS c_acctbal,
    pick('AUTOMOBILE,BUILDING,FURNITURE,MACHINERY,HOUSEHOLD', i || 'cs') AS c_mktsegment, remark(i || 'cc') AS c_comment
FROM range(1, $customers + 1) AS t(i);

-- A third of the customers has no order.
CREATE TABLE orders AS SELECT i AS o_orderkey, CAST(1 + draw(i || 'oc', $customers * 2 // 3) AS BIGINT) AS o_custkey,
    pick('F,O,P', i || 'os') AS o_orderstatus, money(i || 'ot', 900, 500000) AS o_totalprice,
    DATE '1992-01-01' + draw(i || 'od', 2405) AS o_orderdate,
    pick('1-URGENT,2-HIGH,3-MEDIUM,4-NOT SPECIFIED,5-LOW', i || 'op') AS o_orderpriority, 'Clerk' AS o_clerk,
    0 AS o_shippriority, remark(i || 'om') AS o_comment
FROM range(1, $orders + 1) AS t(i);

CREATE TABLE lineitem AS SELECT i AS l_orderkey, CAST(1 + draw(i || 'lp' || j, $parts) AS BIGINT) AS l_partkey,
    1 + (1 + draw(i || 'lp' || j, $parts) + draw(i || 'ls' || j, 4) * ($suppliers // 4)) % $suppliers AS l_suppkey,
    j AS l_linenumber, CAST(1 + draw(i || 'lq' || j, 80) AS DECIMAL(15, 2)) AS l_quantity,
    money(i || 'le' || j, 900, 90000) AS l_extendedprice,
    CAST(draw(i || 'ld' || j, 11) / 100.0 AS DECIMAL(15, 2)) AS l_discount,
    CAST(draw(i || 'lt' || j, 9) / 100.0 AS DECIMAL(15, 2)) AS l_tax, pick('A,N,R', i || 'lr' || j) AS l_returnflag,
    pick('F,O', i || 'li' || j) AS l_linestatus,
    DATE '1992-01-01' + draw(i || 'od', 2405) + 1 + draw(i || 'lh' || j, 121) AS l_shipdate,
    DATE '1992-01-01' + draw(i || 'od', 2405) + 30 + draw(i || 'lc' || j, 61) AS l_commitdate,
    DATE '1992-01-01' + draw(i || 'od', 2405) + 2 + draw(i || 'lv' || j, 150) AS l_receiptdate,
    pick('DELIVER IN PERSON,COLLECT COD,NONE,TAKE BACK RETURN', i || 'ln' || j) AS l_shipinstruct,
    pick('REG AIR,AIR,RAIL,SHIP,TRUCK,MAIL,FOB,AIR REG', i || 'lm' || j) AS l_shipmode, '' AS l_comment
FROM range(1, $orders + 1) AS t(i), range(1, 8) AS u(j) WHERE j <= 1 + draw(i || 'lj', 7);
