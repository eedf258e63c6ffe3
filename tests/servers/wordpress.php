<?php
// A WordPress site from what Debian installs: `php wordpress.php FOLDER URL` sets it up and prints an application
// password; as the router of PHP's own server it hands every address that is no file to WordPress.
if (PHP_SAPI === 'cli-server') {
    $file = $_SERVER['DOCUMENT_ROOT'] . rawurldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
    if (is_file($file) && substr($file, -4) !== '.php') {
        return false;
    }
    $_SERVER['SCRIPT_NAME'] = '/index.php';
    chdir($_SERVER['DOCUMENT_ROOT']);
    require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
    return true;
}
[, $folder, $url] = $argv;
$_SERVER['HTTP_HOST'] = parse_url($url, PHP_URL_HOST) . ':' . parse_url($url, PHP_URL_PORT);
$_SERVER['REQUEST_URI'] = '/';
define('WP_INSTALLING', true);
require "$folder/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
add_filter('pre_wp_mail', '__return_true');
wp_install('Atelier du Port', 'atelier', 'atelier@example.org', true, '', 'not-a-secret', 'fr_FR');
switch_theme('bare');
update_option('timezone_string', 'Europe/Paris');
update_option('posts_per_rss', 4);
global $wp_rewrite;
$wp_rewrite->init();
$wp_rewrite->set_permalink_structure('/%year%/%monthnum%/%postname%/');
$wp_rewrite->flush_rules(true);
foreach (get_posts(['numberposts' => -1, 'post_type' => 'any']) as $sample) {
    wp_delete_post($sample->ID, true);
}
wp_update_user(['ID' => 1, 'display_name' => 'Hélène Marchand']);
[$password] = WP_Application_Passwords::create_new_application_password(1, ['name' => 'tests']);
echo json_encode(['password' => $password, 'version' => get_bloginfo('version')]);
