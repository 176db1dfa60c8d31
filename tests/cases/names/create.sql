CREATE TABLE `a b.c``d%s"e'f` (`id` INT PRIMARY KEY, `x y` INT, `a.b` INT, `c``d` VARCHAR(9),
  `%s %%` INT, `"` INT, `it's` INT, `1` INT, `--x` INT, KEY `k ``1.%s` (`x y`, `c``d`));
INSERT INTO `a b.c``d%s"e'f` VALUES (1, 1, 1, 'a', 1, 1, 1, 1, 1), (2, 2, 2, 'b', 2, 2, 2, 2, 2);
CREATE TABLE `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` (`nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` INT PRIMARY KEY, v INT, KEY `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` (v));
INSERT INTO `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` VALUES (1, 1);
CREATE TABLE `groups` (`rank` INT PRIMARY KEY, `system` INT, `window` INT, `lateral` INT, `cube` INT,
  `row_number` INT, `except` INT, `recursive` INT, `over` INT, `of` INT, `empty` INT,
  `json_table` INT, `manual` INT, `parallel` INT, `qualify` INT, `tablesample` INT, `function` INT,
  `intersect` INT, `library` INT, `stored` INT, `virtual` INT, `generated` INT, KEY `rank` (`over`));
INSERT INTO `groups` (`rank`, `of`) VALUES (1, 1), (2, 2);
CREATE TABLE `Mixed` (`Id` INT PRIMARY KEY, `vAL` INT);
CREATE TABLE `mixed` (`ID` INT PRIMARY KEY, `Val` INT);
INSERT INTO `Mixed` VALUES (1, 1);
INSERT INTO `mixed` VALUES (2, 2);
CREATE TABLE `täble ß€` (`spälte` INT PRIMARY KEY, `日本` VARCHAR(9) DEFAULT 'é' COMMENT 'ü''"');
INSERT INTO `täble ß€` (`spälte`) VALUES (1);
CREATE TABLE `select` (`from` INT PRIMARY KEY, `where` INT);
INSERT INTO `select` VALUES (1, 1);
CREATE TABLE `../s/l\a?s*h:|<>` (id INT PRIMARY KEY, `a/b\c` INT, KEY `k/\.` (`a/b\c`));
INSERT INTO `../s/l\a?s*h:|<>` VALUES (1, 1), (2, 2);
CREATE TABLE `.` (`.` INT PRIMARY KEY, v INT);
INSERT INTO `.` VALUES (1, 1);
