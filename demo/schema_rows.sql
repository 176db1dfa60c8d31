-- {name} is how many rows a table gets; numbers.n counts from 1. Nothing is random.

INSERT INTO bank.branches
  SELECT CONCAT('B', n), CONCAT('Münster-', n), IF(n % 3, 1901 + n % 200, NULL),
    SEC_TO_TIME(25200 + n * 60), IF(n % 4, '0000-00-00', '2019-02-28'), n % 16, n % 128
  FROM bank.numbers WHERE n <= {branches};

-- The keys lie around the middle of the unsigned range.
INSERT INTO bank.customers
    (id, name, email, branch, status, born, last_seen, updated)
  SELECT CAST(9223372036854775000 AS UNSIGNED) + n,
    CONCAT(ELT(1 + n % 4, 'Anna ', 'Zoë ', 'Łukasz ', '佐藤 '), n),
    CONCAT('customer', n, '@example.org'), CONCAT('B', 1 + n % {branches}), 1 + n % 4,
    IF(n % 7, DATE_ADD('1930-01-01', INTERVAL n % 30000 DAY), '0000-00-00'),
    IF(n % 5, DATE_ADD('2020-01-01', INTERVAL n * 100003 MICROSECOND), '0000-00-00'),
    '2021-06-01 12:00:00'
  FROM bank.numbers WHERE n <= {customers};

INSERT INTO bank.accounts (id, customer_id, balance, interest, opened)
  SELECT n, CAST(9223372036854775001 AS UNSIGNED) + n % {customers}, {opening_balance}, n / 7e5,
    '2021-06-01 12:00:00'
  FROM bank.numbers WHERE n <= {accounts};

INSERT INTO bank.card_payments
  SELECT n, 1 + (n * 7919) % {accounts}, ELT(1 + n % 5, 'Café', 'Kiosk', 'Train', 'Books', 'Fuel'),
    (n % 100000) / 100, 1 + n / 3e6, DATE_ADD('2015-01-01', INTERVAL n * 211 SECOND)
  FROM bank.numbers WHERE n <= {card_payments};

INSERT INTO bank.products (sku, title, price, weight, picture, sold)
  SELECT CONCAT('sku-', n), CONCAT('Product № ', n), n / 16, n / 3e0,
    IF(n % 3, REPEAT(UNHEX(LPAD(HEX(n % 65536), 4, '0')), 200), NULL), 1 + n % 3
  FROM bank.numbers WHERE n <= {products};

/*!50708 UPDATE bank.products SET details = JSON_OBJECT('size', CAST(SUBSTR(sku, 5) AS SIGNED),
    'ratio', 52.0, 'colours', JSON_ARRAY('red', 'grün', NULL), 'deep', JSON_OBJECT('a', 1e100)) */;

INSERT INTO bank.orders (id, customer_id, state, ordered)
  SELECT n, CAST(9223372036854775001 AS UNSIGNED) + n % {customers}, 1 + n % 3,
    DATE_ADD('2022-01-01', INTERVAL n MINUTE)
  FROM bank.numbers WHERE n <= {orders};

INSERT INTO bank.order_items
  SELECT 1 + (n - 1) DIV 3, 1 + (n - 1) % 3, CONCAT('sku-', 1 + n % {products}), n % 12, n / 32
  FROM bank.numbers WHERE n <= 3 * {orders};

INSERT INTO bank.deliveries
  SELECT n, 1, UNHEX(LPAD(HEX(n * 256), 16, '0')) FROM bank.numbers WHERE n <= {orders} DIV 2;

INSERT INTO bank.order_counts
  SELECT customer_id, COUNT(*) FROM bank.orders GROUP BY customer_id;

-- Every row is there three times.
INSERT INTO bank.visits
  SELECT CONCAT('/page/', (n + 2) DIV 3 % 100),
    DATE_ADD('2023-03-26', INTERVAL (n + 2) DIV 3 SECOND),
    IF((n + 2) DIV 3 % 2, NULL, 'https://example.org/ü')
  FROM bank.numbers WHERE n <= {visits};

INSERT INTO bank.exchange_rates
  SELECT ELT(1 + n % 4, 'EUR', 'USD', 'JPY', 'GBP'),
    IF(n <= 4, '0000-00-00', DATE_ADD('2000-01-01', INTERVAL n DAY)), 1e0 / n, 1.1e0 * n
  FROM bank.numbers WHERE n <= {exchange_rates};

INSERT INTO bank.documents
  SELECT LEFT(SHA2(n, 256), 32), CAST(9223372036854775001 AS UNSIGNED) + n % {customers},
    REPEAT(CONCAT('Vertrag ', n, ' € 😀\n'), 50),
    IF(n % 2, REPEAT(UNHEX('00275C0A0D1AFF'), 100), NULL)
  FROM bank.numbers WHERE n <= {documents};
